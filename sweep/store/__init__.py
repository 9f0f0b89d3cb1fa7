"""What is there: the Zarr tree, who may write to it, and how nothing in it is lost."""
