"""Files and frames that a Spark cluster scores: a master and its workers as processes."""
