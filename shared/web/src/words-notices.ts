// words-notices.ts - what a person must be told: what happened, and what to do next.
export const noticeWords = {
  notices_title: ['需要您知道的事', 'What you should know'],
  notices_none: ['一切正常，没有要提醒的事。', 'All is well: nothing to tell.'],
  notices_more: ['还有 {} 件', '{} more'],
  notice_see_unsent: ['看还没上报的内容', 'see what is not sent'],
  notice_see_records: ['看写过的记录', 'see the records'],
  notice_see_conflicts: ['看是哪些记录', 'see which records'],
  notice_see_waiting: ['看是哪些内容', 'see which'],
  notice_merged: ['本单位已并入{}。写过的都留着，在这里只能查看，不能再填。', 'This unit was merged into {}. What was written is kept; here it can only be read.'],
  notice_merged_next: [
    '请打电话给乡镇，要{}的登记码，把这台电脑重新登记；登记后接着填，原来的记录都在。',
    'Ask the office above for a code of {} and enrol this PC again: you go on there, with all your records.'
  ],
  notice_closed: ['本单位已撤销，没有接续的单位。写过的都留着，在这里只能查看。', 'This unit was closed and no other follows it. What was written is kept; here it can only be read.'],
  notice_closed_next: ['还有要填的，请打电话问乡镇由哪个单位填。', 'If something is still to be reported, ask the office above who does it.'],
  notice_moved: ['本单位已划给别处管，这台电脑要重新登记才能同步。', 'This unit stands below another office now: this PC must enrol again before it can sync.'],
  notice_moved_next: [
    '请打电话给{}，要新的登记码。登记之前照常填写，写的都保存在本机。',
    'Ask {} for a new code. Go on writing meanwhile: everything is kept on this PC.'
  ],
  notice_enrol: ['有登记码了，重新登记', 'I have a code: enrol again'],
  notice_enrol_how: [
    '服务器重新接入的办法：先停止程序，再运行 taizhangd join --upstream 上级地址 --code 登记码，然后重新启动。数据不会丢。',
    'How a server joins again: stop the program, run `taizhangd join --upstream ADDRESS --code CODE`, start it again. No data is lost.'
  ],
  notice_scope: ['{}已不归本单位管，在它名下写的 {} 条还没有送出去。', '{} is not below this office any more; {} entries written under it are not sent yet.'],
  notice_scope_next: ['不用重写：下次同步或导出到U盘时一起交上去。', 'Nothing to do again: the next sync or stick hands them up.'],
  notice_trouble_next: ['写的都保存在本机，程序会自己再试；一直这样，请打电话给乡镇。', 'Everything is kept on this PC and tried again by itself; if this stays, call the office above.'],
  notice_quarantined: ['有 {} 处是已停用的电脑写的，先不算数，原文留着。', '{} entries come from a device that was withdrawn: they do not count, their text is kept.'],
  notice_quarantined_next: ['是不是采用，由市里决定。', 'The city decides whether they count.'],
  notice_program: ['有 {} 条内容是用更新的程序写的，本机还显示不了，已经收好。', '{} entries were written by a newer program: they are kept, but cannot be shown here yet.'],
  notice_program_next: ['请升级本机的程序，升级后自己就会显示。', 'Upgrade the program on this PC; they appear by themselves.'],
  notice_fault_next: ['没有存上的内容还在页面上，不要关页面；磁盘好了再按一次保存。', 'What was not saved is still on the page: keep it open, and save again once the disk is well.'],
  unit_closed: ['已撤销', 'closed'],
  unit_merged: ['已并入{}', 'merged into {}'],
  row_program: ['有新内容要升级程序才能看', 'has news that needs a newer program'],
  record_program: ['这条记录有 {} 处新内容是用更新的程序写的，升级本机程序后才能看到；现在显示的是以前的样子。', '{} changes of this record were written by a newer program: what you see is what stood before; upgrade to see them.'],
  late_days: ['过了 {} 天才送到', 'came {} days late'],
  files_left: ['附件还有 {} 个没上传', '{} attachments not sent yet'],

  unsent_title: ['还没有上报的 {} 条', '{} not yet sent'],
  unsent_none: ['写过的都已经上报。', 'All that was written here is sent.'],
  unsent_when: ['写的时间', 'Written'],
  unsent_what: ['写了什么', 'What was written'],
  unsent_hint: ['这些只保存在本机。有网时程序自己上报；没有网，请“导出到U盘”交给上级。', 'These are on this PC only. With a link they go up by themselves; without one, export them to a stick.'],
  unsent_scope: ['已不归本单位管，照样上交', "not this office's any more, handed up all the same"],
  unsent_newer: ['由更新的程序写的', 'written by a newer program'],

  waiting_title: ['等着前面内容的 {} 条', '{} wait for something earlier'],
  waits_program: ['要升级程序才能看', 'needs a newer program'],
  waits_history: ['正在取回以前的内容', 'its older history is being fetched'],

  orders: ['督办', 'Supervision orders'],
  order_of: ['{} 督办', 'Ordered by {}'],
  order_by: ['请在 {} 前答复', 'reply by {}'],
  order_waits: ['还没有答复', 'no reply yet'],
  order_make: ['发督办', 'Issue an order'],
  order_text: ['督办要求', 'What is demanded'],
  order_reply_by: ['答复时限', 'Reply by'],
  order_issued: ['已发督办', 'Order issued'],
  wrong_order: ['请写明督办要求', 'Say what is demanded']
} as const satisfies Record<string, readonly [string, string]>
