"""The product's main job: one real cohort of synthetic people, from nomination to certificate."""
