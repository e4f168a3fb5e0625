"""The demonstration: harmless pictures, a list made from some of them, and a tour of an audit."""
