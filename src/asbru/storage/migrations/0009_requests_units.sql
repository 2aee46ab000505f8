-- What is charged besides text and audio tokens: src/asbru/records/row.py says what it contains.
ALTER TABLE requests ADD COLUMN image_input_tokens INTEGER;
ALTER TABLE requests ADD COLUMN image_output_tokens INTEGER;
ALTER TABLE requests ADD COLUMN units TEXT NOT NULL DEFAULT '';
