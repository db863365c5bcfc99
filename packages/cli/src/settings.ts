// The command's own settings from the environment: where Hearth is, and which credentials to use. The one file
// of the client side that reads the environment; the server's is config.ts.

/** What other programs we start inherit. */
export const inherited = (): NodeJS.ProcessEnv => ({ ...process.env })

/** Port on which `hearth up` offers the API. */
export const upPort = () => Number(process.env.HEARTH_PORT ?? 4574)

/** The compose project's name, so that several Hearths can run side by side. */
export const project = () => process.env.HEARTH_PROJECT ?? 'hearth'

/** A registry that images are pulled from instead of the engine's own, such as `localhost:5000`. */
export const registry = () => process.env.HEARTH_REGISTRY

/** Where the API is, unless the command line says otherwise. */
export function endpointUrl(): string {
  const { AWS_ENDPOINT_URL_LAMBDA, AWS_ENDPOINT_URL } = process.env
  return AWS_ENDPOINT_URL_LAMBDA ?? AWS_ENDPOINT_URL ?? `http://localhost:${upPort()}`
}

export const region = () => process.env.AWS_REGION ?? process.env.AWS_DEFAULT_REGION ?? 'us-east-1'

/** Whether the environment or a profile names credentials of its own. */
export function hasCredentials(): boolean {
  const { AWS_ACCESS_KEY_ID, AWS_PROFILE } = process.env
  return Boolean(AWS_ACCESS_KEY_ID || AWS_PROFILE)
}
