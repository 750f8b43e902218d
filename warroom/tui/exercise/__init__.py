"""What a console shows of an exercise: that it is one, its time, what players can do, and what its hosts alone see."""
