"""See: input, segmentation, reconstruction and difference of one slice."""
