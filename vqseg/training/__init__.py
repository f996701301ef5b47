"""Training: one step of the method, the teacher, the schedule, and the trainer that drives them."""
