// no-colours.ts - in place of @ctrl/tinycolor, which Element's button has for a colour given to one button alone: here
// colours are the stylesheet's (vite.config.ts says where it is put in).
export class TinyColor {
  constructor() {
    throw new Error('a button has no colour of its own here: use the stylesheet')
  }
}
