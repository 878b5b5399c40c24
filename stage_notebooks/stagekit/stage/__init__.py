"""A stage as its notebook sees it, and the map over its documents."""
