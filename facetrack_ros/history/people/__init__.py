"""People that outlive a restart: merges, gallery, recall."""
