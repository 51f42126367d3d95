import { describe, expect, it } from 'vitest'
import { answersOf, declared, extraOption, formOf, missingOf, shownAnswers, type ExtraField } from './extra'

const form: ExtraField[] = [
  { name: '参会人数', type: 'number', required: true },
  { name: '形式', type: 'choice', choices: ['线上', '线下'] }
]

describe('a form', () => {
  it('is read from a list and from text, and a broken one is none', () => {
    expect(formOf(form)).toEqual(form)
    expect(formOf(JSON.stringify(form))).toEqual(form)
    for (const broken of ['{', '{}', null, undefined, 3, '[1]']) expect(formOf(broken)).toEqual([])
  })
  it('is written without empty rows, choices however people divide them', () => {
    const rows = [
      { name: ' 形式 ', type: 'choice' as const, choices: '线上、线下,其他', required: true },
      { name: ' ', type: 'text' as const, choices: '', required: true }
    ]
    expect(JSON.parse(declared(rows))).toEqual([{ name: '形式', type: 'choice', choices: ['线上', '线下', '其他'], required: true }])
    expect(declared([])).toBe('')
  })
})

describe('answers', () => {
  it('go along as the form names them, blank ones not at all', () => {
    expect(extraOption(form, { 参会人数: ' 30 ', 形式: '', 别的: '1' })).toBe('{"参会人数":"30"}')
    expect(extraOption(form, { 形式: ' ' })).toBeUndefined()
  })
  it('that are needed are named', () => {
    expect(missingOf(form, { 形式: '线上' })).toBe('参会人数')
    expect(missingOf(form, { 参会人数: '0' })).toBe('')
  })
  it('come back into the inputs and stand in the order of the form', () => {
    expect(answersOf({ 参会人数: 30, 形式: '线上', 空: null })).toEqual({ 参会人数: '30', 形式: '线上' })
    expect(answersOf('x')).toEqual({})
    expect(shownAnswers(form, { 旧: '甲', 形式: '线上', 参会人数: 3000 }).map(([n]) => n)).toEqual(['参会人数', '形式', '旧'])
  })
})
