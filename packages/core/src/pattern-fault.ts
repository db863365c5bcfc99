// What is wrong with a filter pattern of CloudWatch Logs, on its way to the refusal that says it.
// Never leaves core: log-pattern makes AWS's error of it.

export class PatternFault extends Error {}
