export function tooNewInStyle(text: string): string[]
export function tooNewInScript(text: string): string[]
