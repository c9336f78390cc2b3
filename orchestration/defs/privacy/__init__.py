"""Privacy: what of the durable state under ``CADENCIA_HOME/privacy`` each version of the warehouse holds."""
