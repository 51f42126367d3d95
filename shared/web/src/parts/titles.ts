// titles.ts - what people call a record: its own title, its task's, or the problem. Asked once for each.
import { reactive } from 'vue'
import { get } from '../api'
import type { Record_ } from '../types'

const titles = reactive(new Map<string, string>())

async function find(id: string): Promise<void> {
  try {
    const { fields } = await get<Record_>('show', [id])
    const own = fields.title ?? fields.problem
    if (!own && fields.task_id) titles.set(id, String((await get<Record_>('show', [String(fields.task_id)])).fields.title ?? id))
    else titles.set(id, String(own ?? fields.text ?? id))
  } catch {
    // It stays its number; asked again when the page is opened anew.
  }
}

/** The title as far as it is known now; the page shows it when it comes. */
export function titleOf(id: string): string {
  const known = titles.get(id)
  if (known !== undefined) return known
  titles.set(id, id)
  void find(id)
  return id
}
