"""SQL under names; see `edge.store.sql`."""
