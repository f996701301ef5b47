"""The Gradio app: arrays in, pictures out. Knows nothing of torch; networks are reached through vqseg.inference alone."""
