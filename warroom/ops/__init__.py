"""How the product itself fares: health checks of the machine, the store, the backends and the clocks."""
