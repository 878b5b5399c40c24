"""Embedding models in OpenVINO: any that torch can trace, in bfloat16 where the processor has it."""
