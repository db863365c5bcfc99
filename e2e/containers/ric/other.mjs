// Another handler in the same image, for a function that overrides its CMD.
export const handler = async () => 'the other one'
