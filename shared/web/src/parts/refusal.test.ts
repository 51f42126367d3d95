import { beforeEach, describe, expect, it } from 'vitest'
import { ApiError } from '../api'
import { prefs } from '../prefs'
import { SignInError } from '../session'
import { quotedField, refusalOf } from './refusal'

describe('a refusal', () => {
  beforeEach(() => {
    prefs.language = 'zh'
  })
  const line = new ApiError('bad_input', 'deadline: 日期要写成 2025-11-30 / deadline: write the date as 2025-11-30')
  it('is said at the field that it names, without the name', () => {
    expect(refusalOf(line, ['title', 'deadline'])).toEqual({ field: 'deadline', words: '日期要写成 2025-11-30' })
  })
  it('is said at the field where it came before anybody was signed in, too', () => {
    const early = new SignInError('denied', 'code: 登记码不对 / code: wrong code')
    expect(refusalOf(early, ['server', 'code'])).toEqual({ field: 'code', words: '登记码不对' })
    expect(refusalOf(new TypeError('Failed to fetch'), ['code']).field).toBe('')
  })
  it('is said in the language of the screens', () => {
    prefs.language = 'en'
    expect(refusalOf(line, ['deadline']).words).toBe('write the date as 2025-11-30')
  })
  it('leaves out the name beside its label, too', () => {
    const labelled = new ApiError('bad_input', 'target_value: 目标值(target_value):应为数字 / target_value: target: should be a number')
    expect(refusalOf(labelled, ['target_value']).words).toBe('目标值：应为数字')
  })
  it('that names no field of the form is said whole', () => {
    expect(refusalOf(line, ['title'])).toEqual({ field: '', words: 'deadline: 日期要写成 2025-11-30' })
  })
  it('of something else is its own words', () => {
    expect(refusalOf(new Error('x'), ['title'])).toEqual({ field: '', words: 'Error: x' })
  })
})

describe('a refusal that quotes what was written', () => {
  it('belongs to the field that has it', () => {
    const typed = { title: '通报', text: '正文【机密】' }
    expect(quotedField('含涉密标记“机密”,不得录入', typed)).toBe('text')
    expect(quotedField('含涉密标记（机密），不得录入', typed)).toBe('text')
    expect(quotedField('carries a secrecy marking (机密), not saved', typed)).toBe('text')
    expect(quotedField('没有这个单位', typed)).toBe('')
  })
})
