WITH days AS (
  SELECT *,
    epoch_us(requested_at) // 86400000000 - epoch_us(purchased_at) // 86400000000 AS age,
    epoch_us(period_end) // 86400000000 - epoch_us(period_start) // 86400000000 AS period_days,
    paid - refunded - fee AS left_less_fee
  FROM requests
),
parts AS (
  SELECT *,
    CASE WHEN request = 'convert' AND interval = 'year' AND accidental THEN
      monthly_price * greatest(1,
        (year(requested_on) - year(purchased_on)) * 12 + month(requested_on) - month(purchased_on)
        + CASE WHEN day(requested_on) > day(purchased_on) THEN 1 ELSE 0 END)
    END AS kept,
    CASE WHEN request = 'technical' THEN
      CASE WHEN issue_resolved_at_none THEN epoch_us(requested_at) ELSE epoch_us(issue_resolved_at) END // 86400000000
      - epoch_us(issue_reported_at) // 86400000000
    END AS days_open
  FROM (
    SELECT *,
      DATE '1970-01-01' + CAST(epoch_us(purchased_at) // 86400000000 AS INTEGER) AS purchased_on,
      DATE '1970-01-01' + CAST(epoch_us(requested_at) // 86400000000 AS INTEGER) AS requested_on
    FROM days
  )
),
ways AS (
  SELECT *,
    CASE
      WHEN requested_at < purchased_at OR paid < 0 OR fee < 0 OR monthly_price < 0 OR refunded < 0 OR refunded > paid
        OR period_days < 1 OR issue_reported_at > requested_at OR issue_resolved_at < issue_reported_at
        OR issue_resolved_at > requested_at THEN 'error'
      WHEN NOT identified THEN 'stranger'
      WHEN dispute = 'open' OR request = 'billing_error' THEN 'person'
      WHEN product = 'credits' THEN 'no'
      WHEN request = 'convert' THEN CASE
        WHEN interval <> 'year' OR NOT accidental THEN 'no'
        WHEN converted_before THEN 'person'
        WHEN left_less_fee > kept THEN 'convert'
        ELSE 'no' END
      WHEN age <= 7 AND generations <= 50 THEN
        CASE WHEN request = 'refund' AND NOT reason_given THEN 'ask' ELSE 'full' END
      WHEN request = 'technical' AND days_open > 14 AND prevents_use AND continuous THEN
        CASE WHEN evidence THEN 'fault' ELSE 'ask' END
      ELSE 'no'
    END AS way
  FROM parts
)
SELECT id,
  CASE way WHEN 'error' THEN 'error' WHEN 'stranger' THEN 'needs_information' WHEN 'ask' THEN 'needs_information'
    WHEN 'person' THEN 'needs_review' WHEN 'no' THEN 'denied' ELSE 'granted' END AS outcome,
  CASE way WHEN 'full' THEN 'refund' WHEN 'convert' THEN 'convert_to_monthly' WHEN 'fault' THEN 'partial_refund' END AS "grant",
  CASE way
    WHEN 'full' THEN greatest(0, left_less_fee)
    WHEN 'convert' THEN left_less_fee - kept
    WHEN 'fault' THEN greatest(0, least(left_less_fee,
      (2 * (paid - fee) * greatest(0,
        CASE WHEN issue_resolved_at_none THEN epoch_us(period_end)
          ELSE least(epoch_us(period_end), epoch_us(issue_resolved_at)) END // 86400000000
        - greatest(epoch_us(issue_reported_at), epoch_us(period_start)) // 86400000000) + period_days)
      // (2 * period_days)))
    ELSE 0
  END AS amount
FROM ways
