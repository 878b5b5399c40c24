"""Writes the JSON Schema of the payload: ``python -m stagekit.enrichment``."""

from stagekit.enrichment.schema import write_json_schema

if __name__ == "__main__":
    write_json_schema()
