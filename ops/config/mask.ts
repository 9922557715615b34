/** Secrets taken out of what people are shown: whole values under telling keys, passwords and keys within addresses. */

const secretKey = /token|password|secret|apikey/i
const credentials = /^([a-z][a-z0-9+.-]*:\/\/[^:/?#@]*):[^/?#]*@/i
const secretParameter = /([?&][^=&#]*(?:token|password|secret|key)[^=&#]*=)[^&#]*/gi

export function mask(value: unknown, key = ''): unknown {
  if (Array.isArray(value)) return value.map((item) => mask(item, key))
  if (value !== null && typeof value === 'object') {
    return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, mask(v, k)]))
  }
  if (typeof value !== 'string') return value
  if (secretKey.test(key)) return '***'
  return value.replace(credentials, '$1:***@').replace(secretParameter, '$1***')
}
