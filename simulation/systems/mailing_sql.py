"""Columns of the mailings' files as SQL over frames: activity, campaign reports, text messages.

Belongs here: header names in their order and what stands under each. Does not: which rows are due.
"""

from __future__ import annotations

from typing import Final

ACTIONS: Final = ("sent", "bounce", "open", "click", "unsub", "abuse")
SENT, BOUNCE, OPEN, CLICK, UNSUBSCRIBE, ABUSE = range(len(ACTIONS))
# Who asked for the page: a person's program, a mail service that fetches images in advance, or a
# scanner that follows links to check them.
HUMAN, MACHINE, SCANNER = range(3)

ACTIVITY_SQL: Final = f"""
    select
        printf('c%06d', activity.campaign_id) as "Campaign Id",
        activity.email as "Email Address",
        substr(md5('euid' || activity.person_id), 1, 10) as "EUID",
        [{", ".join(f"'{action}'" for action in ACTIONS)}][activity.action + 1] as "Action",
        case when activity.action = {BOUNCE}
            then case when activity.is_hard then 'hard' else 'soft' end end as "Bounce Type",
        coalesce(activity.damaged_stamp, strftime(activity.occurred_at, '%Y-%m-%dT%H:%M:%SZ'))
            as "Timestamp",
        case when activity.action = {CLICK}
            then activity.page || '?utm_source=mailing&utm_medium=email&utm_campaign='
                || printf('c%06d', activity.campaign_id) end as "URL",
        case when activity.action not in ({SENT}, {BOUNCE}) then
            case activity.agent
                when {MACHINE} then printf('17.58.%d.%d', bits % 64, (bits >> 8) % 256)
                when {SCANNER} then printf('40.94.%d.%d', bits % 64, (bits >> 8) % 256)
                else printf('83.%d.%d.%d', bits % 64, (bits >> 8) % 256, (bits >> 16) % 256)
            end
        end as "IP",
        case when activity.action not in ({SENT}, {BOUNCE}) then
            case activity.agent
                when {MACHINE} then 'Mozilla/5.0'
                when {SCANNER} then
                    'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 SafeLinks'
                else [
                    'Mozilla/5.0 (iPhone; CPU iPhone OS 17_1 like Mac OS X) Mobile/15E148',
                    'Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Chrome/120.0 Mobile',
                    'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/120.0',
                    'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Version/17.1 Safari/605.1'
                ][(bits >> 24) % 4 + 1]
            end
        end as "User Agent"
    from activity
"""

REPORTS_SQL: Final = """
    select
        title as "Title",
        subject as "Subject",
        list as "List",
        strftime(sent_at, '%b %-d, %Y %-I:%M ') || lower(strftime(sent_at, '%p')) as "Send Date",
        strftime(sent_at, '%A') as "Send Weekday",
        cast(recipients as bigint) as "Total Recipients",
        cast(deliveries as bigint) as "Successful Deliveries",
        cast(soft_bounces as bigint) as "Soft Bounces",
        cast(hard_bounces as bigint) as "Hard Bounces",
        cast(soft_bounces + hard_bounces as bigint) as "Total Bounces",
        cast(unique_opens as bigint) as "Unique Opens",
        printf('%.1f%%', 100.0 * unique_opens / greatest(deliveries, 1)) as "Open Rate",
        cast(opens as bigint) as "Total Opens",
        cast(unique_clicks as bigint) as "Unique Clicks",
        printf('%.1f%%', 100.0 * unique_clicks / greatest(deliveries, 1)) as "Click Rate",
        cast(clicks as bigint) as "Total Clicks",
        cast(unsubscribes as bigint) as "Unsubscribes",
        cast(complaints as bigint) as "Abuse Complaints",
        null as "Folder Id",
        printf('c%06d', campaigns.campaign_id) as "Unique Id",
        cast(orders as bigint) as "Total Orders",
        printf('%.2f', revenue) as "Total Gross Sales",
        printf('%.2f', revenue) as "Total Revenue"
    from campaigns
    inner join counters on campaigns.campaign_id = counters.campaign_id
    order by campaigns.sent_at, campaigns.campaign_id
"""

SMS_SQL: Final = """
    select
        printf('S%09d', message_id) as message_id,
        printf('c%06d', sms.campaign_id) as campaign_id,
        campaign_title as campaign_name,
        '34' || mobile as msisdn,
        case
            when bounced_at < date '{ends_at}' then 'failed'
            when delivered_at < date '{ends_at}' then 'delivered'
            else 'sent'
        end as status,
        coalesce(damaged_stamp, strftime(sent_at, '%Y-%m-%d %H:%M:%S')) as sent_at,
        case when delivered_at < date '{ends_at}' then strftime(delivered_at, '%Y-%m-%d %H:%M:%S')
            end as delivered_at,
        case when clicked_at < date '{ends_at}' then strftime(clicked_at, '%Y-%m-%d %H:%M:%S')
            end as clicked_at,
        case when unsubscribed_at < date '{ends_at}'
            then strftime(unsubscribed_at, '%Y-%m-%d %H:%M:%S') end as opt_out_at
    from sms
    left join titles on sms.campaign_id = titles.campaign_id
    order by sms.sent_at, message_id
"""
