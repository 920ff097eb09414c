"""The definition of products: its types, and how product files become them."""
