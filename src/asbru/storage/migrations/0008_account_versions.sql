-- Versions of users and roles, so that nobody overwrites what somebody else has changed meanwhile; and of a session, when
-- it began (0: before this column) and with which program, as the program calls itself.
ALTER TABLE users ADD COLUMN version BIGINT NOT NULL DEFAULT 1;
ALTER TABLE roles ADD COLUMN version BIGINT NOT NULL DEFAULT 1;
ALTER TABLE sessions ADD COLUMN began_ms BIGINT NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN agent TEXT NOT NULL DEFAULT '';
