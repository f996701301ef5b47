"""Label: a person corrects the network's labels, slice by slice, and teaches the network by them."""
