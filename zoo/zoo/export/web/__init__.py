"""A page of files alone that generates in the visitor's browser, by onnxruntime-web."""
