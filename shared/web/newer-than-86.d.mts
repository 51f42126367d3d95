export const newerApi: Record<string, string[]>
export const newerStyle: { what: string; find: RegExp; sample: string }[]
