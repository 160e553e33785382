"""Good faith estimates: asked for, due, issued, disputed."""
