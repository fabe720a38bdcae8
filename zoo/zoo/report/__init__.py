"""The pages that tell how runs go and compare them."""
