// calm.ts - readings that cost much are not repeated with every record that arrives.
//
// The program answers one question at a time: a review of half a million assignments that is asked anew every three
// seconds would leave no time for anything else. So it rests for a multiple of what it took.

export const kRestPerWork = 10

/** Times in ms. `later` is setTimeout, handed in for tests. */
export class Calm {
  private running = false
  private wanted = false
  private waiting = false
  private urgent = false

  constructor(
    private readonly work: () => Promise<void>,
    private readonly now: () => number = () => performance.now(),
    private readonly later: (f: () => void, ms: number) => void = (f, ms) => void window.setTimeout(f, ms)
  ) {}

  /** Something changed: read soon, but no sooner than the last reading allows. */
  ask(): void {
    this.wanted = true
    if (!this.running && !this.waiting) void this.run()
  }

  /** A person asks: read now, whatever it costs. */
  async atOnce(): Promise<void> {
    if (this.running) this.urgent = true
    else await this.run()
  }

  private async run(): Promise<void> {
    this.running = true
    this.wanted = this.urgent = false
    const began = this.now()
    try {
      await this.work()
    } finally {
      this.running = false
      if (this.urgent) void this.run()
      else this.rest((this.now() - began) * kRestPerWork)
    }
  }

  private rest(ms: number): void {
    this.waiting = true
    this.later(() => {
      this.waiting = false
      if (this.wanted && !this.running) void this.run()
    }, ms)
  }
}
