"""The network: encoder, two decoders and their composition around the codebook."""
