"""The page's server: who may ask what, in which order, and what runs the network."""
