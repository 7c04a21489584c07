"""One file a tab: it lays out components and wires events."""
