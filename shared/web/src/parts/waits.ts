// waits.ts - why something that is here already does not count yet.
import type { Word } from '../words'

const kReasons: Record<string, Word> = {
  control: 'waits_control',
  certificate: 'waits_certificate',
  program: 'waits_program',
  base: 'waits_base',
  history: 'waits_history'
}
export const waitReason = (reason: string): Word => kReasons[reason] ?? 'waits_base'
