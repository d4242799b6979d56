"""A journal's records as tables: frames, CSV files and the data package that describes them."""
