"""Models of the BERT kind as ONNX graphs."""
