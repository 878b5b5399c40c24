"""Pages and pictures without text: what recognises letters in them."""
