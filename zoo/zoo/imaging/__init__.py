"""Images to look at: tensors as images, grids and figures, animations."""
