"""Stage 02: turns bytes into DoclingDocuments, losing no text and refusing what cannot be read."""

import warnings

# Importing Docling imports tqdm for notebooks, which complains where ipywidgets is missing.
warnings.filterwarnings("ignore", message="IProgress not found")
