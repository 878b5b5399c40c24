"""How text is laid out in a terminal, whatever its width, and help in whatever language."""
