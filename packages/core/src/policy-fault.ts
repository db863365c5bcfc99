// A policy that could not be obeyed, and what is wrong with it; routes put it into the words of the
// service that was asked.

export class PolicyFault extends Error {}
