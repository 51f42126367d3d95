import { describe, expect, it } from 'vitest'
import { isPicture, sizeWords } from './attachments'

describe('attachments', () => {
  it('shows as pictures only what a browser draws', () => {
    expect(['a.JPG', 'b.jpeg', '现场照片.png'].every(isPicture)).toBe(true)
    expect(['a.pdf', 'b.svg', 'png', 'c.png.exe'].some(isPicture)).toBe(false)
  })
  it('says sizes in the unit that fits', () => {
    expect([sizeWords(12), sizeWords(300000), sizeWords(64 * 1024 * 1024)]).toEqual(['12 B', '293 kB', '64.0 MB'])
  })
})
