"""One population seen by salience, CKA and stitching."""
