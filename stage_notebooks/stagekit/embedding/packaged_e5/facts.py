"""What is known of the packaged E5 models without reading one, so without NumPy."""

CONVERSION = 1  # raised when the conversion changes its result: it is part of the model's fingerprint
E5_PROMPTS = {"query": "query: ", "passage": "passage: "}
