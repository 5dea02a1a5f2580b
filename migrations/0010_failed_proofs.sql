-- Passwords that were entered wrong on the proof page, in a row. The session ends at 50 (NIST SP 800-63B-4 allows 100).
alter table session add column failed_proofs int not null default 0;
