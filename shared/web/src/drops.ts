// drops.ts - a file that misses the place it was meant for would make the browser open it instead of the page.

/** Shows that nothing takes it there, and takes nothing. What is dropped into its place was taken before this hears of it. */
export function noDropOutside(): void {
  for (const event of ['dragover', 'drop'] as const)
    window.addEventListener(event, (e) => {
      if (e.defaultPrevented || !e.dataTransfer?.types.includes('Files')) return
      e.preventDefault()
      e.dataTransfer.dropEffect = 'none'
    })
}
