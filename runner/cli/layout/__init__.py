"""How text is laid out in a terminal, whatever its width."""
