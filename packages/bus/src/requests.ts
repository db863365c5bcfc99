// Request and reply over core NATS, for work that somebody waits for: one question, then a first word
// (accepted or not) and a last word. When asker and answerer share the process the bus delivers in
// process, with the same meaning; it never queues, never retries and never runs a question twice.
