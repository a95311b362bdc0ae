currency IN ({currencies}) AND identified IS NOT NULL
AND request IN ('refund', 'convert', 'technical', 'billing_error') AND product IN ('subscription', 'credits')
AND interval IN ('month', 'year', 'none') AND dispute IN ('none', 'open', 'lost')
AND purchased_at BETWEEN '1970-01-01 00:00Z' AND '2199-12-31 23:59:59.999999Z'
AND requested_at BETWEEN '1970-01-01 00:00Z' AND '2199-12-31 23:59:59.999999Z'
AND period_start BETWEEN '1970-01-01 00:00Z' AND '2199-12-31 23:59:59.999999Z'
AND period_end BETWEEN '1970-01-01 00:00Z' AND '2199-12-31 23:59:59.999999Z'
AND issue_reported_at BETWEEN '1970-01-01 00:00Z' AND '2199-12-31 23:59:59.999999Z'
AND CASE WHEN issue_resolved_at_none THEN issue_resolved_at IS NULL
  ELSE issue_resolved_at BETWEEN '1970-01-01 00:00Z' AND '2199-12-31 23:59:59.999999Z' END
AND paid BETWEEN -1000000000000000 AND 1000000000000000 AND fee BETWEEN -1000000000000000 AND 1000000000000000
AND monthly_price BETWEEN -1000000000000000 AND 1000000000000000 AND refunded BETWEEN -1000000000000000 AND 1000000000000000
AND generations BETWEEN 0 AND 1000000000000 AND reason_given IS NOT NULL AND accidental IS NOT NULL
AND converted_before IS NOT NULL AND prevents_use IS NOT NULL AND continuous IS NOT NULL AND evidence IS NOT NULL
