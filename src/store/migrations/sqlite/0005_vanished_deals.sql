-- A deal that a full pull no longer shows is remembered for a while: who won it first, since when it is known.
ALTER TABLE deals ADD COLUMN vanished_at_us INTEGER;
